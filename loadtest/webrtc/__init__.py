"""Light WebRTC peers: they publish and watch as browsers do, and neither encode nor decode.

Bytes in, bytes out; time and chance are arguments. They share no code with the server's media:
what both get wrong they would have to get wrong twice.

    description    codecs, and what a peer has to know of an answer
    offer          an offer as text
    answer         an answer, read
    ice            the controlling side: checks, nomination, consent
    dtls           the handshake, both roles
    srtp           keys -> packets protected and unprotected
    connection     ICE, DTLS and SRTP of one peer; what it has to send, and when it has to run
    rtp            the header of a packet and its extensions, read and written
    rtcp           reports and feedback
    congestion     transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01)
    sender         one source: packets, what is kept of them, reports
    publisher      a peer that sends
    reception      one source as it comes in: statistics, what is missing, when to ask again
    assembly       packets -> frames, in order, within a bounded time
    watcher        a peer that receives
    h264, vp8      frames <-> payloads
    signalling     WHIP and WHEP: an offer posted, an answer got
    udp            a peer on a UDP socket of an event loop
"""
