"""Files in and out: sequences, pixels, headers, colour spaces. Only here OpenImageIO and PyAV."""
