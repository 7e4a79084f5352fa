"""The network: tensors in, tensors out; it knows no files, no numpy and no settings file."""
