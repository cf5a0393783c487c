"""Where the made-up homes stand: neighbourhoods with their middle, and what a square foot costs there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`foot` is dollars a square foot for a house of the neighbourhood's usual age; `built` the years between which
    most were built; `houses` the share of detached houses, the rest are condos and townhouses."""

    name: str
    city: str
    zip: str
    latitude: float
    longitude: float
    foot: int
    built: tuple[int, int]
    houses: float


PLACES = (
    Place("Downtown", "Austin", "78701", 30.2680, -97.7430, 560, (2000, 2024), 0.0),
    Place("Travis Heights", "Austin", "78704", 30.2420, -97.7440, 520, (1930, 2015), 0.75),
    Place("Zilker", "Austin", "78704", 30.2550, -97.7720, 545, (1945, 2018), 0.7),
    Place("Bouldin Creek", "Austin", "78704", 30.2510, -97.7560, 550, (1935, 2020), 0.7),
    Place("Holly", "Austin", "78702", 30.2510, -97.7270, 470, (1930, 2022), 0.8),
    Place("East Cesar Chavez", "Austin", "78702", 30.2570, -97.7290, 480, (1925, 2023), 0.6),
    Place("Govalle", "Austin", "78702", 30.2620, -97.7010, 415, (1948, 2023), 0.8),
    Place("Mueller", "Austin", "78723", 30.2990, -97.7050, 440, (2007, 2024), 0.5),
    Place("Windsor Park", "Austin", "78723", 30.3130, -97.6890, 365, (1955, 2010), 0.9),
    Place("Hyde Park", "Austin", "78751", 30.3060, -97.7270, 480, (1915, 2005), 0.7),
    Place("North Loop", "Austin", "78751", 30.3180, -97.7220, 430, (1940, 2015), 0.8),
    Place("Crestview", "Austin", "78757", 30.3440, -97.7280, 425, (1950, 2018), 0.9),
    Place("Allandale", "Austin", "78757", 30.3390, -97.7430, 430, (1952, 2012), 0.9),
    Place("North Shoal Creek", "Austin", "78757", 30.3620, -97.7330, 365, (1965, 2012), 0.8),
    Place("Tarrytown", "Austin", "78703", 30.2960, -97.7720, 680, (1935, 2020), 0.85),
    Place("Barton Hills", "Austin", "78704", 30.2510, -97.7850, 500, (1958, 2014), 0.8),
    Place("Sunset Valley", "Austin", "78745", 30.2260, -97.8110, 350, (1970, 2010), 0.85),
    Place("Cherry Creek", "Austin", "78745", 30.2010, -97.8120, 305, (1972, 2005), 0.95),
    Place("Circle C Ranch", "Austin", "78739", 30.1890, -97.8870, 310, (1990, 2018), 0.95),
    Place("Onion Creek", "Austin", "78747", 30.1390, -97.7830, 250, (1976, 2016), 0.95),
    Place("Old Town Round Rock", "Round Rock", "78664", 30.5090, -97.6780, 235, (1965, 2012), 0.95),
    Place("Teravista", "Round Rock", "78665", 30.5710, -97.6690, 230, (2003, 2022), 0.95),
    Place("Buttercup Creek", "Cedar Park", "78613", 30.5040, -97.8390, 245, (1985, 2006), 0.97),
    Place("Ranch at Brushy Creek", "Cedar Park", "78613", 30.5010, -97.7850, 270, (2004, 2021), 0.97),
    Place("Falcon Pointe", "Pflugerville", "78660", 30.4560, -97.5850, 205, (2004, 2022), 0.97),
    Place("Steiner Ranch", "Austin", "78732", 30.3690, -97.8930, 330, (1998, 2018), 0.95),
)
STREETS = (
    "Alder", "Bluebell", "Brazos Bend", "Canyon Oak", "Cardinal", "Cedar Elm", "Chestnut", "Cottonwood", "Creekside",
    "Dogwood", "Elmwood", "Fern", "Foxglove", "Garden Gate", "Hackberry", "Hawthorn", "Indigo", "Juniper", "Kestrel",
    "Lantana", "Larkspur", "Live Oak", "Magnolia", "Maple", "Meadowlark", "Mesquite", "Mockingbird", "Mulberry",
    "Orchard", "Palmetto", "Pecan", "Persimmon", "Prairie", "Quail", "Redbud", "Sage", "Sandstone", "Sparrow",
    "Spring", "Sumac", "Sunrise", "Sycamore", "Thistle", "Verbena", "Walnut", "Wild Plum", "Willow", "Yaupon",
)  # fmt: skip
SUFFIXES = ("St", "Ave", "Dr", "Ln", "Ct", "Way", "Trl", "Cv")
