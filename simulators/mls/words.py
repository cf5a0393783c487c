"""What made-up listings say of themselves: of rooms, light, streets and gardens, never of people."""

KITCHEN = {
    "bright": (
        "Bright kitchen with white cabinets and a window over the sink.",
        "The kitchen is flooded with morning light.",
        "Sunny eat-in kitchen with a skylight.",
    ),
    "cook": (
        "Chef's kitchen with gas range and a large island.",
        "Renovated kitchen with quartz counters, island and walk-in pantry.",
    ),
    "plain": (
        "Galley kitchen, original to the house and ready for an update.",
        "Compact kitchen with electric range.",
    ),
}
LIGHT = {
    "bright": (
        "Tall windows bring natural light into the living room.",
        "Open floor plan with high ceilings and light all day.",
        "South-facing living room full of sun.",
    ),
    "shade": (
        "Shaded by mature live oaks that keep it cool in summer.",
        "Deep eaves and trees keep the rooms cool.",
    ),
}
STREET = {
    "quiet": (
        "On a quiet dead-end street with hardly any traffic.",
        "Tucked into a quiet cul-de-sac.",
        "A calm, tree-lined street.",
    ),
    "lively": (
        "Steps from restaurants, coffee and the bus.",
        "On a lively corner with shops and cafes around it.",
        "Walk to music, food trucks and the lake trail.",
    ),
    "busy": ("Easy access to the highway.", "On a main road, minutes from the highway."),
}
YARD = {
    "garden": (
        "Large garden with vegetable beds and fruit trees.",
        "Landscaped garden with native plants and a sprinkler system.",
    ),
    "yard": ("Fenced back yard with a covered patio.", "Level back yard, room for a pool."),
    "small": ("Low-maintenance courtyard.", "Small patio instead of a yard."),
}
ROOMS = {
    "office": (
        "Separate home office with built-in shelves.",
        "Quiet study off the entry, good for working from home.",
    ),
    "storage": ("Plenty of storage and a walk-in closet.", "Oversized garage with a workshop."),
    "primary": (
        "Primary suite on the main floor with a soaking tub.",
        "Primary bedroom with its own balcony.",
    ),
    "floors": ("Hardwood floors throughout.", "New wide-plank floors.", "Polished concrete floors."),
    "loft": ("Industrial loft with exposed brick and concrete ceilings.",),
    "fire": ("Living room with a stone fireplace.",),
}
STATE = {
    "new": ("Never lived in, with a builder's warranty.", "Newly built and energy efficient."),
    "kept": ("Well kept, new roof in {roof}.", "Updated in {roof} with new windows and HVAC."),
    "work": ("Sold as is; bring your ideas.", "Needs work, priced for it."),
}
