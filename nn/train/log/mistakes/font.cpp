// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/mistakes/font.hpp>

namespace fathom::nn::train::detail {

namespace {

// Printable ASCII, 16 letters side by side in each band of 8 rows.
// clang-format off
constexpr const char* kRows[] = {
    //      !     "     #     $     %     &     '     (     )     *     +     ,     -     .     /
    "        #    # #   # #    #   ##  #  ##     #      #   #                                      # ",
    "        #    # #   # #   #### ##  # #  #    #     #     #     #     #                         # ",
    "        #    # #  ##### # #      #  # #    #     #       #  # # #   #                        #  ",
    "        #          # #   ###    #    #           #       #   ###  #####       ####          #   ",
    "        #         #####   # #  #    # # #        #       #  # # #   #                      #    ",
    "                   # #  ####  #  ## #  #          #     #     #     #     ##          ##  #     ",
    "        #          # #    #   #  ##  ## #          #   #                  #           ##  #     ",
    "                                                                         #                      ",
    //0     1     2     3     4     5     6     7     8     9     :     ;     <     =     >     ?
    " ###    #    ###   ###     #  #####   ##  #####  ###   ###                 #         #     ###  ",
    "#   #  ##   #   # #   #   ##  #      #        # #   # #   #   ##    ##    #           #   #   # ",
    "#  ##   #       #     #  # #  ####  #        #  #   # #   #   ##    ##   #    #####    #      # ",
    "# # #   #      #    ##  #  #      # ####    #    ###   ####             #               #    #  ",
    "##  #   #     #       # #####     # #   #  #    #   #     #   ##         #    #####    #    #   ",
    "#   #   #    #    #   #    #  #   # #   #  #    #   #    #    ##    ##    #           #         ",
    " ###   ###  #####  ###     #   ###   ###   #     ###   ##           #      #         #      #   ",
    "                                                                   #                            ",
    //@     A     B     C     D     E     F     G     H     I     J     K     L     M     N     O
    " ###   ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   # #   #  ###  ",
    "#   # #   # #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ## ##  # #   # ",
    "# ### #   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # # ##  # #   # ",
    "# # # ##### ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # # # # # #   # ",
    "# ### #   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   # #  ## #   # ",
    "#     #   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   # #  ## #   # ",
    " #### #   # ####   ###  ####  ##### #      #### #   #  ###   ##   #   # ##### #   # #   #  ###  ",
    "                                                                                                ",
    //P     Q     R     S     T     U     V     W     X     Y     Z     [     \     ]     ^     _
    "####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####  ###  #      ###    #         ",
    "#   # #   # #   # #       #   #   # #   # #   # #   # #   #     #  #    #        #   # #        ",
    "#   # #   # #   # #       #   #   # #   # #   #  # #   # #     #   #     #       #  #   #       ",
    "####  #   # ####   ###    #   #   # #   # # # #   #     #     #    #      #      #              ",
    "#     # # # # #       #   #   #   # #   # # # #  # #    #    #     #       #     #              ",
    "#     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #      #        #    #              ",
    "#      ## # #   # ####    #    ###    #   #   # #   #   #   #####  ###      #  ###        ##### ",
    "                                                                                                ",
    //`     a     b     c     d     e     f     g     h     i     j     k     l     m     n     o
    " #          #               #         ##        #       #      #  #      ##                     ",
    "  #         #               #        #          #                 #       #                     ",
    "   #   ###  ####   ###   ####  ###  ####   #### ####   ##     ##  #  #    #   ## #  ####   ###  ",
    "          # #   # #     #   # #   #  #    #   # #   #   #      #  # #     #   # # # #   # #   # ",
    "       #### #   # #     #   # #####  #    #   # #   #   #      #  ##      #   # # # #   # #   # ",
    "      #   # #   # #   # #   # #      #     #### #   #   #      #  # #     #   # # # #   # #   # ",
    "       #### ####   ###   ####  ###   #        # #   #  ###     #  #  #   ###  # # # #   #  ###  ",
    "                                           ###               ##                                 ",
    //p     q     r     s     t     u     v     w     x     y     z     {     |     }     ~
    "                         #                                          ##    #    ##               ",
    "                         #                                         #      #      #              ",
    "####   #### # ##   #### ####  #   # #   # #   # #   # #   # #####  #      #      #   #          ",
    "#   # #   # ##    #      #    #   # #   # #   #  # #  #   #    #  #       #       # # # #       ",
    "#   # #   # #      ###   #    #   # #   # # # #   #   #   #   #    #      #      #     #        ",
    "####   #### #         #  #  # #   #  # #  # # #  # #   ####  #     #      #      #              ",
    "#         # #     ####    ##   ####   #    # #  #   #     # #####   ##    #    ##               ",
    "#         #                                            ###                                      ",
};
// clang-format on

constexpr char kFirst = ' ', kLast = '~';
constexpr std::int64_t kLettersPerBand = 16, kPitch = kGlyphWidth + 1;

bool is_printable(char letter) { return letter >= kFirst && letter <= kLast; }

}  // namespace

bool has_ink(char letter, std::int64_t row, std::int64_t column) {
  const std::int64_t number = (is_printable(letter) ? letter : '?') - kFirst;
  return kRows[number / kLettersPerBand * kGlyphHeight + row][number % kLettersPerBand * kPitch + column] ==
         '#';
}

std::string printable(std::string_view text) {
  std::string ascii;
  for (const char byte : text) {
    // Bytes after the first of a character belong to the '?' that is there already.
    const bool goes_on = (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
    if (!goes_on) ascii += is_printable(byte) ? byte : '?';
  }
  return ascii;
}

}  // namespace fathom::nn::train::detail
