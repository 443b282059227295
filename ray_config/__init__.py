"""How an application inside a pod finds and forms its Ray connection. No dependency beyond the standard library."""
