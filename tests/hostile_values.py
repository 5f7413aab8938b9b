"""The hostile values, members and whole lines that hostile.py mixes into its files."""

from collections.abc import Callable
from random import Random
from typing import Final

# As user or group: all are valid JSON, and all but null and "" are users.
ODD_VALUES: Final = [
    *("1234567890123456789012345", "1234567890123456789012346", "12345678901234567890123456789012345678901", "1.50"),
    *("1.5", '"1.5"', '"1.50"', "1e3", "1E3", "1000", '"1e3"', "-0", "0", "0.1", "0.10", "1E+2", "9007199254740993"),
    *("true", "false", '"true"', '"false"', '"null"', '"NULL"', '"{}"', '"[1]"', "{}", "[1]", "[]", "[ ]"),
    *("[ 1 , 2 ]", '{"b": 1, "a": 2}', '{ "a" : 2 , "b" : 1 }', '{"b":1,"a":2,"b":3}', '{"\\u0062":3,"a":2}'),
    *('{"":null}', "[null]", '["\\u0001\\t\\u001F\\u007f\\/\\\\\\""]', '[{"n":[1.50,-0,1E5,"\\ud83d\\ude00"]}]'),
    *('["\\u2028\u2028"]', "[[[[]]],{}]", '" "', '"  x"', '"x  "', '"\\t"', '"\\n"', '"\\u0000"', '"a\\u0000b"'),
    *('"\\""', '"\\\\"', '"\\/"', '"a/b"', '"a,b"', '"caf\xe9"', '"caf\\u00e9"', '"cafe\u0301"', '"\U0001f600"'),
    *('"\\ud83d\\ude00"', '"\u65e5\u672c"', '"\ufb01"', '"\uffff"', '"\u2028"', '"\x85"', '"\xa0"', '"\ufeff"'),
    *('"\u200b"', '"\\ufeff"', '"A"', '"a"', '"\u0130"', '"\xdf"', '"SS"', '"\ue000"', '"\U00010000"', '"nan"'),
    *('"NaN"', '"Infinity"', '"None"', '"_corrupt_record"', '"$.x"', '"a.b"', '"%s"'),
]

ODD_NUMBERS: Final = [
    *("0", "-0", "-0.0", "0e999999999", "1e-999999999", "-1e-999999999", "1e999999999", "-1e999999999", "1e400"),
    *("-1e400", "0.0000001", "-0.0000001", "-0.5", "-1.5", "-1", "-123456789.9999999", "1E3", "1e+3"),
    *("1e0000000000000000003", "15e-1", "9223372036854775807", "9223372036854775808", "-9223372036854775809"),
    *("99999999999999999999999999", "1e18", "1e19", "123456789012345678901234567890e-20", "0.1e1", "1.0"),
    *("1.000000000000000000000000000000001", "253402300800e-1"),
]

ODD_TIMES: Final = [
    *("null", "true", "false", "{}", "[]", "[1]", '{"s":1}', '""', '" "', '"x"', '"null"', '"NaN"', '"Infinity"'),
    *('"-"', '" 1"', '"1 "', '"1\\n"', '"+1"', '"01"', '"1."', '".5"', '"1e"', '"1_0"', '"0x1"', '"1d"', '"1L"'),
    *('"1,5"', '"1e5.0"', '"\u0663"', '"\uff11"', '"1\\u0000"', '"1\\u0030"', '"\\u00a01"', '"2020-01-01"'),
    '"2020-01-01T00:00:00Z"',
]

ODD_MOMENTS: Final = [
    *("2020-02-29", "2021-02-29", "1900-02-29", "2000-02-29", "2020-13-01", "2020-00-01", "2020-01-00", "2020-04-31"),
    *("0000-01-01", "0001-01-01", "0001-01-01T00:00+00:01", "0001-01-01T00:00-00:01", "9999-12-31", "10000-01-01"),
    *("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59+23:59", "-0001-01-01"),
    *("+2020-01-01", "2020-01-01T24:00", "2020-01-01T23:60", "2020-01-01T23:59:60", "2016-12-31T23:59:60Z"),
    *("2020-01-01T10", "2020-01-01T10Z", "2020-01-01T10:00", "2020-01-01t10:00z", "2020-01-01 10:00"),
    *("2020-01-01  10:00", "2020-01-01T10:00 Z", "2020-01-01_10:00", "2020-01-01T10:00:00.", "2020-01-01T10:00:00,"),
    *("2020-01-01T10:00.5", "2020-01-01T10:00:", "2020-01-01T1:00", "2020-1-1", "2020-01-01T10:00:00.5"),
    *("2020-01-01T10:00:00,123456789", "2020-01-01T10:00:00.0000009", "1969-12-31T23:59:59.9999999"),
    *("2020-01-01T10:00+01", "2020-01-01T10:00-0130", "2020-01-01T10:00+01:30", "2020-01-01T10:00-00"),
    *("2020-01-01T10:00+24", "2020-01-01T10:00+23:59", "2020-01-01T10:00+01:60", "2020-01-01T10:00+1"),
    *("2020-01-01T10:00+01:", "2020-01-01T10:00+013", "2020-01-01Z", "2020-01-01+01", "2020-01-01T", "2020-01"),
    *("2020", "20200101", "20200101T100000Z", "2020-W01-1", "2020-001", " 2020-01-01", "2020-01-01 ", "2020-01-01\\n"),
    *("2020-01-01T10:00Z\\n", "2020/01/01", "01-01-2020", "2020-01-01T10:00UTC", "2020-01-01T10:00[UTC]"),
    *("2020-01-01T10:00+01:00[Europe/Paris]", "2020-01-01T10:00\u221201:00", "202\u0660-01-01", "", "today", "now"),
    *("epoch", "2020-01-01T10:00:00ZZ", "2020-01-01T-1:00", "2020-01-01T10:00:00+01:00:00", "2020-01-01T10:00:0"),
    "2020-01-01T10:00:00." + "9" * 400,
]

VALID_MEMBERS: Final = [
    *('"x1":null', '"x2":[]', '"x3":{}', '"x4":[{"user":"no","time":0},{"group":null}]'),
    *('"x5":{"y":{"z":[1,2.5e-3,{}]}}', '"x6":"}{][,:"', '"x7":"\\"}\\\\"', '"x8":1e999999999', '"":1', '" ":{"":""}'),
    *('"x9":"\xe9\u65e5\U0001f600"', '"x":1,"x":2'),
]

BROKEN_MEMBERS: Final = [
    *(b'"x":"\\ud800"', b'"x":"\\udc00\\ud800"', b'"x":["\\uDBFFz"]', b'"\\ud800":1', b'"x":{"\\udfff":1}'),
    *(b'"x":"\\ud83d\\u0041"', b'"x":"\xff"', b'"x":"\xc3"', b'"x":"\xc0\xaf"', b'"x":"\xed\xa0\x80"'),
    *(b'"x":"\xf4\x90\x80\x80"', b'"\x80":1', b'"x":"caf\xe9"', b'"x":NaN', b'"x":Infinity', b'"x":-Infinity'),
    *(b'"x":nan', b'"x":None', b'"x":True', b'"x":undefined', b'"x":tru', b'"x":nullx', b"'x':1", b"\"x\":'y'"),
    *(b"x:1", b"1:1", b"null:1", b"/* x */", b"// x", b"# x", b'"x":/**/1', b'"x"', b'"x":', b":1", b'"x" 1'),
    *(b'"x":01', b'"x":-01', b'"x":00', b'"x":1-2-3', b'"x":+1', b'"x":.5', b'"x":1.', b'"x":1.e3', b'"x":1e'),
    *(b'"x":1e+', b'"x":-', b'"x":0x1F', b'"x":1L', b'"x":1_000', b'"x":1 2', b'"x":--1', b'"x":1..2'),
    *(b'"x":\xd9\xa3', b'"x":1\x00', b'"x":\xc2\xa01', b'"x":[1,]', b'"x":[,1]', b'"x":[1,,2]', b'"x":{"y":1,}'),
    *(b'"x":[1 2]', b'"x":[1}', b'"x":{]', b'"x":{"y"}', b'"x":(1)', b"", b'"x":"a\tb"', b'"x":"a\x00b"'),
    *(b'"x":"a\x1fb"', b'"x\t":1', b'"x":"\\x41"', b'"x":"\\u12"', b'"x":"\\u12g4"', b'"x":"\\\'"', b'"x":"\\'),
    *(b'"x":"y', b'"x":"\\"', b'"x":"a\rb"', b'"x":"\\U0041"', b'"x":"\\0"', b'"x":"a" "b"', b'"x";1', b'"x"=1'),
]

WHOLE_LINES: Final = [
    *(b"", b" ", b"\t", b"\r", b" \t \r", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r", b"\xef\xbb\xbf\xef\xbb\xbf", b"\x00"),
    *(b"\x0b", b"\x0c", b"\xc2\xa0", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe3\x80\x80", b"\xe2\x80\x8b", b" \xc2\xa0 "),
    *(b"\x1a", b"\x1e", b"\x1c", b"null", b"true", b"false", b"1", b"-0", b"1.5e3", b'"text"', b'""', b"[]", b"[1,2]"),
    *(b'[{"user":"a"}]', b" [ ] \r", b"[[]]", b"{}", b"{ }", b"{}\r", b"\xef\xbb\xbf{}", b"{", b"}", b"[", b"]", b'"'),
    *(b'"\\', b",", b":", b"{}{}", b"{},{}", b"[}", b"{]", b"hello", b"hello \xff", b"\xff", b"\xfe\xff", b"\xc3"),
    *(b"caf\xe9", b"# comment", b"// comment", b"user,time,group", b"<x/>", b"NaN", b"Infinity", b"nul", b"nulll"),
    *(b"01", b"+1", b".5", b"1.", b"1-2-3", b"--", b"1e", b"'x'", b"None", b"undefined", b"\\", b'"\\ud800"'),
    *(b'["\\ud800"]', b'"\xff"', b'["\xed\xa0\x80"]', b'"a\tb"', b'{"user":"cut', b'{"user":', b'{"user"', b'"a":1}'),
]


def cut_in(rng: Random, line: bytes, intruder: bytes) -> bytes:
    """Put bytes anywhere inside the line: in a string, a number, between marks."""
    place = rng.randrange(len(line))
    return line[:place] + intruder + line[place:]


def drop_byte(rng: Random, line: bytes) -> bytes:
    """Leave out one byte."""
    place = rng.randrange(len(line))
    return line[:place] + line[place + 1 :]


JUNK_AFTER: Final = [b" x", b"]", b"}", b",", b";", b"\x00", b"\xff", b"\xc2\xa0", b" // x", b" # x", b'"', b"0", b":"]
JUNK_BEFORE: Final = [
    b"x ",
    b"[",
    b"{",
    b",",
    b"\x00",
    b"\xff",
    b"\xc2\xa0",
    b"// ",
    b")]}',",
    b"\x1e",
    b"data: ",
    b"0",
]
JUNK_INSIDE: Final = [b"\xff", b"\x80", b"\x00", b"\xef\xbb\xbf", b"\\", b'"', b",", b"\x0b", b"\n"]
MARKS: Final = [b"\xef\xbb\xbf", b"\xef\xbb\xbf ", b" \xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"]
BETWEEN_OBJECTS: Final = [b"", b" ", b",", b", ", b"\r", b"\t", b";"]
SPACES_BEFORE: Final = [b" ", b"\t", b"\r", b"", b" \t\r "]
SPACES_AFTER: Final = [b"\r", b"\r\r", b" \r", b"\t", b" "]
FALSE_COMMAS: Final = [b",,", b"", b";", b",\xe2\x80\xa8", b",\x0c", b",\r", b",\t", b"\r,", b" , "]

# How to spoil a whole line that holds a good object; some of them leave it good.
BREAKS: Final[list[Callable[[Random, bytes], bytes]]] = [
    drop_byte,
    lambda rng, line: line[: rng.randrange(len(line))],
    lambda rng, line: line[rng.randrange(1, len(line)) :],
    lambda rng, line: cut_in(rng, line, b"\n"),
    lambda rng, line: cut_in(rng, line, rng.choice(JUNK_INSIDE)),
    lambda rng, line: line + rng.choice(JUNK_AFTER),
    lambda rng, line: rng.choice(JUNK_BEFORE) + line,
    lambda rng, line: line + rng.choice(BETWEEN_OBJECTS) + line,
    lambda rng, line: line.replace(b",", rng.choice(FALSE_COMMAS), 1),
    lambda rng, line: rng.choice(MARKS) + line,
    lambda rng, line: rng.choice(SPACES_BEFORE) + line + rng.choice(SPACES_AFTER),
    lambda _, line: b"[" + line + b"]",
    lambda _, line: b"[" + line + b"," + line + b"]",
    lambda _, line: line.replace(b'"', b"'"),
    lambda _, line: line.replace(b":", b"=>"),
    lambda _, line: line.replace(b"{", b"{\n", 1).replace(b",", b",\n"),
    lambda _, line: line.decode().encode("utf-16-le").replace(b"\n", b""),
]
