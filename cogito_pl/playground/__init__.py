"""Procedurally drawn visual problems and a tiny Qwen2.5-VL that can learn them on a CPU: the embedded default."""
