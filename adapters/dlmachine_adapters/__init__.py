"""Adapters: implementations of `dlmachine.core.protocol.ports` with libraries and the system.

Modules are imported by name where they are needed; importing this package loads no backend and
no library.
"""
