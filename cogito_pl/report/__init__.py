"""Pages and images of a run and of an ablation, made from the files that they leave."""
