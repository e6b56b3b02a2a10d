"""Words and texts: spelling, odd bytes, TOML with line numbers, sentences for wrong values.

What may live here: functions from text to text that any folder may use. What this folder must not
know: the meaning of any setting, option or file.
"""
