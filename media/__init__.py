"""WebRTC: peers, what they publish, who watches. Bytes in, bytes out; time is an argument.

The path of a packet, one hop a file:
    endpoint       the UDP socket and the TCP port beside it: datagrams in, bursts out
    relay          which peer a datagram belongs to; what there is to do before the next read
    peer           one peer connection: ICE-lite, DTLS, SRTP
    publisher      one who sends: its tracks
    track          a track's layers: statistics, NACK, keyframes, the packets kept
    broadcast      one stream: its publisher, and those who watch
    viewer         one who receives: its subscriptions, what it reports
    subscription   one track for one viewer: layer, sequence numbers, retransmission

What they are made of:
    ports          what each side asks of the other
    packet         one RTP packet of a publisher, taken apart
    timers         everything that is to happen later
"""
