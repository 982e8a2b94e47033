"""Procedurally drawn visual problems, and a tiny Qwen2.5-VL to train on them on a CPU."""
