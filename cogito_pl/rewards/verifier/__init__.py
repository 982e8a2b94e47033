"""The verifier: whether an answer is correct. One file per kind of answer; how answers are read is below `parsing`."""
