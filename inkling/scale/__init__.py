"""The same reader in many processes and on many machines, on Ray; nothing else needs it."""
