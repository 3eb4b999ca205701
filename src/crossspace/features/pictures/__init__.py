"""From the sampled frames of an utterance to the crops of one face."""

from crossspace.features.pictures.follower import FaceFollower, FaceTrack, follow

__all__ = ["FaceFollower", "FaceTrack", "follow"]
