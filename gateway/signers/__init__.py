"""How a call to an upstream proves who we are."""
