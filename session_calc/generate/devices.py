"""The devices of spring 2019, named as ua-parser names them, and how common each is."""

from __future__ import annotations

from typing import NamedTuple

# The field is left out, as some clients do; None is a null in the line.
MISSING = "(left out)"


class Device(NamedTuple):
    """`weight` in 1,000 people have it."""

    weight: int
    family: str | None
    os: str | None
    browser: str | None


DEVICES = (
    Device(210, "iPhone", "iOS", "Mobile Safari"),
    Device(30, "iPhone", "iOS", "Chrome Mobile iOS"),
    Device(35, "iPhone", "iOS", "Facebook"),
    Device(130, "Other", "Windows", "Chrome"),
    Device(45, "Other", "Windows", "Firefox"),
    Device(20, "Other", "Windows", "Edge"),
    Device(8, "Other", "Windows", "IE"),
    Device(12, "Other", "Ubuntu", "Firefox"),
    Device(60, "Mac", "Mac OS X", "Safari"),
    Device(35, "Mac", "Mac OS X", "Chrome"),
    Device(40, "iPad", "iOS", "Mobile Safari"),
    Device(85, "Generic Smartphone", "Android", "Chrome Mobile"),
    Device(20, "Generic Smartphone", "Android", "Firefox Mobile"),
    Device(12, "Generic Tablet", "Android", "Chrome"),
    Device(28, "Samsung SM-G960F", "Android", "Samsung Internet"),
    Device(24, "Samsung SM-G950F", "Android", "Chrome Mobile"),
    Device(20, "Samsung SM-J120H", "Android", "Chrome Mobile"),
    Device(17, "Samsung SM-A520F", "Android", "Samsung Internet"),
    Device(14, "Samsung SM-J500M", "Android", "Chrome Mobile"),
    Device(12, "Samsung SM-G935F", "Android", "Chrome Mobile"),
    Device(10, "Samsung SM-A530F", "Android", "Chrome Mobile WebView"),
    Device(9, "Samsung SM-J730F", "Android", "Samsung Internet"),
    Device(8, "Samsung SM-N960F", "Android", "Chrome Mobile"),
    Device(7, "Samsung SM-T580", "Android", "Chrome"),
    Device(12, "Huawei P20 lite", "Android", "Chrome Mobile"),
    Device(9, "Huawei P10", "Android", "Chrome Mobile"),
    Device(6, "Huawei Mate 20 Pro", "Android", "Chrome Mobile WebView"),
    Device(6, "XiaoMi Redmi Note 5", "Android", "Chrome Mobile"),
    Device(4, "XiaoMi MI A2", "Android", "Chrome Mobile"),
    Device(5, "OnePlus A6003", "Android", "Chrome Mobile"),
    Device(5, "Pixel 2", "Android", "Chrome Mobile"),
    Device(3, "Pixel 3 XL", "Android", "Chrome Mobile"),
    Device(4, "LG-M250", "Android", "Chrome Mobile"),
    Device(3, "Nokia 6.1", "Android", "Chrome Mobile"),
    Device(3, "Moto G (5S) Plus", "Android", "Chrome Mobile"),
    Device(3, "Sony F8331", "Android", "Chrome Mobile"),
    Device(2, "HTC One M9", "Android", "Android"),
    Device(2, "Asus Z017D", "Android", "Opera Mobile"),
    Device(2, "Kindle", "Android", "Amazon Silk"),
    Device(1, "BlackBerry 9900", "BlackBerry OS", "BlackBerry WebKit"),
    Device(1, "Lumia 950", "Windows Phone", "Edge Mobile"),
    Device(1, "PlayStation 4", "Other", "NetFront NX"),
    Device(10, None, "Android", "Chrome Mobile"),
    Device(7, None, None, None),
    Device(12, MISSING, "Android", "Chrome Mobile WebView"),
    Device(8, MISSING, MISSING, MISSING),
)

CRAWLER = Device(1, "Spider", "Other", "Googlebot")
