"""The two published clean-plate architectures, key for key: to run cleared weights and to compare.

What they were published with is kept, quirks included; our own network shares no code with them.
"""
