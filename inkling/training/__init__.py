"""Train networks on the data sets, and write checkpoints.

recipes.py: hyperparameters
training_set.py: data of an epoch, in augmented batches
device.py: device, precision and threads
loop.py: training loop with distillation; progress reports; calibration
build_gallery.py: choose gallery digits; t-SNE
build_checkpoint.py: train, score and save; one process at a time
lab.py: a training, or a race of two, whose reports stay
live_reader.py: the page's reader, which trains if there is no checkpoint
"""
