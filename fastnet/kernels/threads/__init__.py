"""Threads: how many there may be, and those of a fit."""
