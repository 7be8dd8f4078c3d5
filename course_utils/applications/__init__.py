"""What generative models are used for, slides 8 to 10: an application a file, on the models of the tree."""
