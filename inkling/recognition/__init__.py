"""Find ink in grayscale pictures, split it into glyphs, and read these.

checkpoint.py: write, verify and load checkpoints
page_networks.py: load the ink network and the line network
ink_finder.py: ink on uneven or patterned paper, by a U-Net
hypotheses.py: ink hypotheses, cheap to expensive; score of their readings
connected_components.py: components of ink as segments, grouped into lines
line_net.py: transcribe a line by CTC and beam search
segment_scorer.py: score segments with the digit network
touching_digits.py: cut a line into the digits of its transcript
segmentation.py: merge and cut segments into glyphs
reading.py: `Digit` and `Reading`; fuse probabilities
reader.py: `Reader`: the loop over ink hypotheses
corrections.py: adjust probabilities by a user's corrections
zero_gpu.py: register with Hugging Face ZeroGPU
"""
