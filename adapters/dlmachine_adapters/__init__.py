"""Adapters: the ports of `dlmachine.core.protocol.ports`, filled with libraries and the system.

Each module holds one of them, and is imported by name where it is needed; importing this
package loads no backend and no library.
"""
