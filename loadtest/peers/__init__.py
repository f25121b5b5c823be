"""Other servers, given the same work: `plaza loadtest peers`.

command              compares, and makes the report
contest              gives all the same work in turns, round by round
contestant           a peer that takes part
scale                how much is measured
outcome              samples -> figures, and ratios
fanout               work: one member of a room speaks, all hear it
echo                 work: every client hears what it says itself
costs                CPU time and memory of all who are involved
clients              client connections that count exactly
text                 what is said, with its number
foreground           others' servers as processes
peer                 what a peer is, and how clients speak with one
roster               who is compared:
plaza                Plaza, with its whole durable path
uwebsockets          uWebSockets, by the binding socketify
nchan                nginx with Nchan
nats                 NATS over WebSocket
websockets_broadcast the library `websockets`, and its broadcast
socket_io            Socket.IO on Node.js; its program is in socketio/
"""
