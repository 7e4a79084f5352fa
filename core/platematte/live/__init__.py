"""The network as one TorchScript file for Nuke's Inference node: live in the viewer."""
