"""The SDKs of OSS behind one interface; the option `OSSFERRY_OSS_SDK` selects one of them."""
