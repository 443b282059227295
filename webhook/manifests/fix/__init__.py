"""What ``lint --fix`` may change: proposed by the text, judged over all files together by the rule book. No I/O."""
