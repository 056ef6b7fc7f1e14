"""Data sets of digits and non-digits, as ink with labels.

mnist.py: load MNIST; download it if it is missing
prepared.py: load sheets of drawn digits and outliers
augment.py: random shifts and affine distortion
image_folder.py: labelled pictures from folders 0 to 9
"""
