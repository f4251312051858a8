"""What outputs say of phantoms, images that a program draws."""

#: Of a run on them, and of images at hand.
PHANTOM = "PHANTOM: these images are drawn by a program; nothing learnt from them is about patients."
#: Of what may travel without the run: a picture, a graph.
LEARNT_FROM_PHANTOMS = "PHANTOM: learnt from images drawn by a program; says nothing about patients"
#: Of a score against them.
AGAINST_PHANTOMS = "the real images are phantoms, drawn by a program"
