// The peer of loadtest/peers/socket_io.py: a room for everybody, and an echo.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

// "Discard the initial HTTP request" of its guide to performance: some KiB of each connection.
io.engine.on("connection", (socket) => {
  socket.request = null;
});

io.on("connection", (socket) => {
  socket.on("join", () => {
    socket.join("room");
    socket.emit("joined");
  });
  socket.on("message", (text) => io.to("room").emit("message", text));
  socket.on("echo", (text) => socket.emit("echo", text));
});

http.listen(0, "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${http.address().port}`);
});
process.on("SIGTERM", () => process.exit(0));
