"""What a run leaves on disk: checkpoints, tables, and the folder that holds them."""
