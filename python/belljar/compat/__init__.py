"""Interfaces of libraries that work out Python text in the caller's process, with a jail behind them.

Its own file because the package has to be one.
Changes when: never; each interface is a module of its own.
"""
