"""What is known about models, as data: sizes, tokens, prices, and forecasts from them."""
