"""Analysis over HTTP, live conversations over a WebSocket, and a page to look at them."""
