"""Data sets of small images: MNIST, scikit-learn's digits, IDX files, folders."""
