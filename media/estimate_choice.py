"""Which estimator is the best for a viewer."""

from media.description import Section
from media.estimate import Estimator, Unknown
from media.estimate_loss import LossEstimator
from media.estimate_receiver import ReceiverEstimator
from media.estimate_transport import TransportEstimator
from media.extensions import Extension
from media.retransmission import may_vary


def estimator_for(sections: tuple[Section, ...]) -> Estimator:
    """The one that knows most, by what a viewer has agreed to."""
    video = [section for section in sections if section.kind == "video"]
    feedback = {name for section in video for codec in section.codecs for name in codec.feedback}
    if any(
        Extension.TRANSPORT_SEQUENCE in section.extensions and may_vary(section)
        for section in video
    ) and ("transport-cc" in feedback):
        return TransportEstimator()
    if "goog-remb" in feedback:
        return ReceiverEstimator()
    return LossEstimator() if video else Unknown()
