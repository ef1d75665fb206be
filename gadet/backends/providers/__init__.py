"""Who can be asked, as data: addresses, keys, wire formats."""
