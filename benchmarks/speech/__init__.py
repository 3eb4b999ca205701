"""What recognised words and speakers are worth: errors against what people wrote, and what they cost a model."""
