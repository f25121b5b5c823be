"""WebRTC: peers, what they publish, who watches. Bytes in, bytes out; time is an argument.

The path of a packet, one hop a file:
    endpoint       the media port: datagrams in, a batch at a time; udp: datagrams and bursts out;
                   tcp_listener: ICE-TCP; addresses: which port is had, and what peers are told
    relay          which peer a datagram belongs to; what there is to do before the next read
    peer           one peer connection: ICE-lite, DTLS, SRTP
    publisher      one who sends: its tracks
    track, layer   a track's layers: statistics, NACK, keyframes, the packets kept
    broadcast      one stream: its publisher, and those who watch
    viewer         one who receives: its subscriptions, what it reports
    subscription   one track for one viewer: layer, sequence numbers, retransmission

A peer is made of:
    stun           checks: a cheap look, a thorough one, and their answers
    ice            ICE-lite: which checks are valid, and where media goes
    dtls           the handshake, its certificate, its keys
    srtp           packets encrypted and decrypted in place
    tcp_framing    datagrams on a TCP connection

What it reads and writes:
    rtp            packets, retransmissions
    extensions     header extensions: by URI, read, written
    rtcp           compound packets; rtcp_header, rtcp_reports, rtcp_feedback: what is in them
    twcc, remb     feedback about the way as a whole
    keyframes      where one begins, by codec; h264, vp8: what else a payload says
    sdp            offers; sdp_lines, sdp_media: how they are read
    sdp_answer     answers to them; sdp_text: how they are written
    sdp_fragment   trickle ICE and restarts
    codec_match    which codecs are forwarded, and as which of a viewer's

The receiving side:
    sources        whose an SSRC is
    layer          one encoding: numbered and timed on through restarts of the encoder
    store          the packets kept, the last group of pictures among them
    reception, timeline
                   sequence numbers and loss; timestamps, frames and jitter (RFC 3550)
    nack, keyframe_requests, arrivals
                   what is to be asked for, and told
    feedback       the RTCP that a publisher gets, and when
    bitrate_cap    how much it may send
    pictures, rates, layer_report, health
                   what its layers are like; receiving: what is counted of them for metrics

The sending side:
    broadcasts     those of a process; sending, viewer_stats: what is counted
    burst          packets for one viewer, protected where they were written, sent together
    numbering      from a publisher's numbers to a viewer's, and back
    extension_block, picture_ids
                   what else of a packet is different for viewers
    retransmission what is sent again, and how often
    presentation   when a frame is to be seen, across layers and publishers: sender reports
    estimate       what a line takes; estimate_transport, estimate_receiver, estimate_loss: by what;
                   estimate_choice: for whom
    layer_choice   which layer of a simulcast

What they are made of:
    description    what an offer and its answer have settled
    ports          what each side asks of the other
    packet         one RTP packet of a publisher, taken apart
    timers         everything that is to happen later; loop_timers: run by the event loop
    traffic        what the endpoint counts, and where its time goes

Beside it:
    turn_credentials
                   what TURN servers of others let clients in with
"""
