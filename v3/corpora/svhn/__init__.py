"""SVHN: the digits of house numbers."""
