"""Ways to tell sessions apart; today one: `slices`."""
