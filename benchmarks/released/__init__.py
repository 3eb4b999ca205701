"""Graph models computed the way their released code computes them, with the parameters of ours."""
