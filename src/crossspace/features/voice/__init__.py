"""How somebody sounds: pitch, rhythm, spectrum, and where there is speech at all."""
