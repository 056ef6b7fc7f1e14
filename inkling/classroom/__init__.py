"""A class: phones draw, the wall shows the drawings, one network learns them; an extra.

drawings.py: pupils and their drawings, in memory only, and their limits
room_address.py: the address that phones open, and its QR code
lesson.py: train on half of the pupils; compare two networks on the other half
class_routes.py: routes of the phones and of the wall
static: their two pages
"""
