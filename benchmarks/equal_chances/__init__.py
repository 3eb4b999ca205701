"""The same small search for every model on CMU-MOSI, on folds whose features leak as those of the corpus do."""
