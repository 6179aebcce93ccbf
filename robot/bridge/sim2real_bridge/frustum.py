"""Which geoms a camera cannot see, because they are wholly outside of its pyramid of view.

What belongs here: geometry that errs on the side of drawing: leaving these out changes no pixel and saves their
triangles. What does not: what hides behind something else.
"""

import numpy as np

SLACK_M = 1e-3  # a geom is left out only where it is further outside than this


def outside(eyes, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Which spheres a scene's camera, between its two eyes, cannot see; bool, shape (N,).

    centres has shape (N, 3), radii (N,), in m; a radius of 0 is MuJoCo's for a plane, which is never outside. The
    picture must be square.
    """
    eye = eyes[0]
    if eye.orthographic or eye.frustum_center != 0 or eye.frustum_width != 0 or eye.frustum_top != -eye.frustum_bottom:
        return np.zeros(len(radii), bool)
    position = np.mean([e.pos for e in eyes], axis=0)
    forward, up = np.array(eye.forward, float), np.array(eye.up, float)
    half = np.arctan2(eye.frustum_top, eye.frustum_near)
    relative = centres - position
    depth = relative @ forward
    out = depth < -(radii + SLACK_M)
    for side in (up, np.cross(forward, up)):
        # Distance from the nearer of two opposite planes of the pyramid, positive outside.
        out |= np.abs(relative @ side) * np.cos(half) - depth * np.sin(half) > radii + SLACK_M
    return out & (radii > 0)
