"""The batch APIs of providers: many questions handed over as one job, answered within a day."""
