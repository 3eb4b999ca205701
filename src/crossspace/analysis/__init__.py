"""From a recording or a transcript and a model to a timeline of emotions, in several formats."""
