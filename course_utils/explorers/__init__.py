"""The course's explorers, pictures under sliders: a module for each notebook, named by its stem."""
