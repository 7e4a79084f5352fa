"""Training: procedural and licensed foregrounds over real sets, and the loop that learns them."""
