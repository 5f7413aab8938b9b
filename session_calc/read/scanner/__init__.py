"""Read plain lines of JSON at the machine's speed: one pass over the bytes proves a line and takes its fields.

It knows most lines; any other is odd, and for the judge to read. So a rule here may be narrower than the judge's, and
must never be wider: strict JSON (RFC 8259), nested at most 60 deep, no escape in a name, no wanted name twice, no
wanted text that is an object or an array, a time that is plainly spelled.

| module | |
|---|---|
| `layout` | what the scanner is given, and what it fills in |
| `scan`, and what it calls: `rows`, `members`, `values`, `moments`, `texts`, `numerals`, `eights` | the scanner |
| `compiled` | how its functions are compiled |
| `machine_code` | what is compiled once, kept, and called |

The scanner is written as the compiler likes it: numbers and arrays, no objects, and nothing that can fail. Every line
ends with a line feed, which no JSON may hold other than between its parts, so that no look goes beyond it.
"""
