"""Everything after the network: from alpha to the pixels that are written."""
