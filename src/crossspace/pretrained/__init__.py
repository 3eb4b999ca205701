"""The model in the box, used where no other is named."""
